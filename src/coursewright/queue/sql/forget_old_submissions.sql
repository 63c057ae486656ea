-- Delete what no window and no repeat can ask for any more.
select coursewright.forget_old_submissions()
