-- Whether row level security applies to whoever asks.
select row_security_active('public.course_generation_jobs') and row_security_active('coursewright.documents') as applies
