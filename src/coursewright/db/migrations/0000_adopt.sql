-- An application may have these tables already (Supabase): its columns stay, missing ones are added, its CHECKs are
-- widened to the words that the queue writes. Comes before everything else; does nothing in an empty database.

do $$
declare
    wanted record;
    rule record;
begin
    for wanted in select * from (values
        ('jobs', 'user_id', 'uuid'), ('jobs', 'organisation_id', 'uuid'), ('jobs', 'base_class_id', 'uuid'),
        ('jobs', 'job_type', 'text not null default ''generate_course_v2'''),
        ('jobs', 'status', 'text not null default ''queued'''),
        ('jobs', 'progress_percentage', 'integer not null default 0'),
        ('jobs', 'job_data', 'jsonb not null default ''{}'''), ('jobs', 'result_data', 'jsonb'),
        ('jobs', 'generation_config', 'jsonb'), ('jobs', 'performance_metrics', 'jsonb'),
        ('jobs', 'retry_configuration', 'jsonb'), ('jobs', 'user_actions', 'jsonb'), ('jobs', 'error_message', 'text'),
        ('jobs', 'total_tasks', 'integer not null default 0'), ('jobs', 'completed_tasks', 'integer not null default 0'),
        ('jobs', 'failed_tasks', 'integer not null default 0'), ('jobs', 'skipped_tasks', 'integer not null default 0'),
        ('jobs', 'estimated_completion_time', 'timestamptz'), ('jobs', 'actual_completion_time', 'timestamptz'),
        ('jobs', 'created_at', 'timestamptz not null default now()'), ('jobs', 'started_at', 'timestamptz'),
        ('jobs', 'completed_at', 'timestamptz'), ('jobs', 'updated_at', 'timestamptz not null default now()'),
        ('jobs', 'is_cleared', 'boolean not null default false'),
        ('jobs', 'confetti_shown', 'boolean not null default false'),
        ('queue', 'priority', 'integer not null default 5'), ('queue', 'status', 'text not null default ''pending'''),
        ('queue', 'scheduled_for', 'timestamptz'), ('queue', 'worker_id', 'text'), ('queue', 'locked_at', 'timestamptz'),
        ('queue', 'retry_count', 'integer not null default 0'), ('queue', 'max_retries', 'integer not null default 3'),
        ('queue', 'created_at', 'timestamptz not null default now()'),
        ('queue', 'updated_at', 'timestamptz not null default now()'), ('queue', 'completed_at', 'timestamptz'),
        ('tasks', 'dependencies', 'text[] not null default ''{}'''),
        ('tasks', 'execution_priority', 'integer not null default 0'), ('tasks', 'lesson_id', 'text'),
        ('tasks', 'path_id', 'text'), ('tasks', 'base_class_id', 'uuid'), ('tasks', 'section_index', 'integer'),
        ('tasks', 'section_title', 'text'), ('tasks', 'current_retry_count', 'integer not null default 0'),
        ('tasks', 'max_retry_count', 'integer not null default 3'), ('tasks', 'estimated_duration_seconds', 'integer'),
        ('tasks', 'actual_duration_seconds', 'double precision'), ('tasks', 'queued_at', 'timestamptz'),
        ('tasks', 'started_at', 'timestamptz'), ('tasks', 'completed_at', 'timestamptz'),
        ('tasks', 'last_retry_at', 'timestamptz'), ('tasks', 'input_data', 'jsonb not null default ''{}'''),
        ('tasks', 'output_data', 'jsonb'), ('tasks', 'result_metadata', 'jsonb'), ('tasks', 'error_message', 'text'),
        ('tasks', 'error_details', 'jsonb'), ('tasks', 'error_severity', 'text'), ('tasks', 'error_category', 'text'),
        ('tasks', 'is_recoverable', 'boolean'), ('tasks', 'recovery_suggestions', 'text[]'),
        ('tasks', 'created_at', 'timestamptz not null default now()'),
        ('tasks', 'updated_at', 'timestamptz not null default now()'),
        ('logs', 'task_id', 'uuid'), ('logs', 'source', 'text'), ('logs', 'details', 'jsonb'),
        ('logs', 'error_code', 'text'), ('logs', 'created_at', 'timestamptz not null default now()'),
        ('errors', 'task_id', 'uuid'), ('errors', 'task_identifier', 'text'), ('errors', 'task_type', 'text'),
        ('errors', 'attempt', 'integer'), ('errors', 'error_message', 'text'), ('errors', 'error_details', 'jsonb'),
        ('errors', 'error_severity', 'text'), ('errors', 'error_category', 'text'),
        ('errors', 'is_recoverable', 'boolean'), ('errors', 'recovery_suggestions', 'text[]'),
        ('errors', 'will_retry', 'boolean not null default false'),
        ('errors', 'created_at', 'timestamptz not null default now()'),
        ('user_actions', 'user_id', 'uuid'), ('user_actions', 'task_ids', 'uuid[] not null default ''{}'''),
        ('user_actions', 'action_context', 'jsonb'), ('user_actions', 'created_at', 'timestamptz not null default now()')
        ) w (name, column_name, definition) loop
        if to_regclass('public.course_generation_' || wanted.name) is not null then
            execute format('alter table public.%I add column if not exists %I %s',
                           'course_generation_' || wanted.name, wanted.column_name, wanted.definition);
        end if;
    end loop;

    -- What the application may write stays allowed, beside the words of the queue.
    for rule in
        select c.conname, c.conrelid::regclass as relation, a.attname, w.words,
               regexp_replace(pg_get_constraintdef(c.oid), '^CHECK \((.*)\)( NOT VALID)?$', '\1') as condition
          from (values
            ('jobs', 'status', 'queued processing completed failed cancelled paused'),
            ('jobs', 'job_type', 'generate_course_v2 generate_outline'),
            ('queue', 'status', 'pending queued processing completed failed'),
            ('tasks', 'status', 'pending queued running retrying completed failed skipped cancelled'),
            ('tasks', 'task_type', 'knowledge_analysis outline_generation lesson_section lesson_assessment '
                'lesson_mind_map lesson_brainbytes path_quiz class_exam content_validation'),
            ('tasks', 'error_severity', 'low medium high critical'),
            ('errors', 'error_severity', 'low medium high critical'),
            ('logs', 'level', 'info warning error critical')) w (name, column_name, words)
          join pg_constraint c on c.conrelid = to_regclass('public.course_generation_' || w.name) and c.contype = 'c'
          join pg_attribute a on a.attrelid = c.conrelid and a.attname = w.column_name and c.conkey = array[a.attnum]
    loop
        execute format('alter table %s drop constraint %I', rule.relation, rule.conname);
        execute format('alter table %s add constraint %I check ((%s) or %I = any (%L::text[]))', rule.relation,
                       rule.conname, rule.condition, rule.attname, string_to_array(rule.words, ' '));
    end loop;
    -- Categories are ours to name.
    for rule in
        select c.conname, c.conrelid::regclass as relation from pg_constraint c
          join pg_attribute a on a.attrelid = c.conrelid and c.conkey = array[a.attnum]
         where c.contype = 'c' and a.attname in ('error_category', 'action_type')
           and c.conrelid in (to_regclass('public.course_generation_tasks'), to_regclass('public.course_generation_errors'),
                              to_regclass('public.course_generation_user_actions'))
    loop
        execute format('alter table %s drop constraint %I', rule.relation, rule.conname);
    end loop;

    -- An older function of this name may return something else, and `create or replace` could not change that.
    if to_regnamespace('coursewright') is null or to_regprocedure('coursewright.admit_from(uuid, text)') is null then
        drop function if exists public.dequeue_course_job(text);
    end if;
end $$;
