-- Finished courses, with what was measured about them. The course is the JSON that every export is made from.
create table coursewright.courses (
    job_id uuid primary key references public.course_generation_jobs (id) on delete cascade,
    organisation_id uuid not null,
    knowledge_base_id uuid not null,
    title text not null,
    course jsonb not null,
    quality jsonb not null,
    created_at timestamptz not null default now()
);
create index courses_organisation on coursewright.courses (organisation_id, created_at desc);
