-- Whether the application was last asked for its documents before a task became ready.
select not exists (
    select from coursewright.knowledge_bases k join public.course_generation_tasks t on t.id = %(task_id)s
     where k.id = %(knowledge_base_id)s and k.organisation_id = %(organisation_id)s and k.followed_at >= t.queued_at) as due
