-- What a job is making now, without inputs and outputs: it is asked for many times a second.
select task_identifier, task_type, section_title, input_data #>> '{lesson,title}' as lesson_title
  from public.course_generation_tasks
 where job_id = %(job_id)s and status = 'running'
 order by seq
