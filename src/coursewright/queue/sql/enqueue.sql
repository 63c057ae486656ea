-- A job and its queue entry, in one statement.
with job as (
    insert into public.course_generation_jobs (organisation_id, user_id, base_class_id, job_type, job_data)
    values (%(organisation_id)s, %(user_id)s, %(base_class_id)s, %(job_type)s, %(job_data)s) returning id)
insert into public.course_generation_queue (job_id, priority, scheduled_for)
select id, %(priority)s, %(scheduled_for)s from job returning job_id
