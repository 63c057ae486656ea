-- Whether it is time to prune, for the first of all processes that asks; pruning reads all texts.
update coursewright.rounds set pruned_at = clock_timestamp()
 where pruned_at < clock_timestamp() - make_interval(secs => %(every)s) returning 1 as due
