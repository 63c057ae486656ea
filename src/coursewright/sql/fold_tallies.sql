-- Add up what was counted, before it becomes much.
select coursewright.fold_tallies()
