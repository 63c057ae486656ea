-- Lease ready tasks, with all that a step needs; kinds that are unfit are left for others.
select task_id, job_id, attempt, identifier, type, generation, dependencies, lesson_id, path_id, section_index, input,
       failures, organisation_id, base_class_id, job_type, request
  from coursewright.claim_tasks(%(worker)s, %(room)s, make_interval(secs => %(lease)s), %(only_job)s, %(unfit)s::text[])
