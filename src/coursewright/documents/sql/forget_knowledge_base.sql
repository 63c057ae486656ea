-- Forget a knowledge base with its documents, and the jobs and courses that were made from it. The application's
-- own jobs stay.
with jobs as (
    delete from public.course_generation_jobs
     where base_class_id = %(knowledge_base_id)s and organisation_id = %(organisation_id)s
       and coursewright.is_ours(job_type))
delete from coursewright.knowledge_bases
 where id = %(knowledge_base_id)s and organisation_id = %(organisation_id)s returning id
