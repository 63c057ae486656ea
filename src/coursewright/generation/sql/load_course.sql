-- The course of a job, with what was measured about it.
select course, quality from coursewright.courses
 where job_id = %(job_id)s and (organisation_id = %(organisation_id)s or %(organisation_id)s::uuid is null)
