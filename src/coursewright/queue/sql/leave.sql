-- A worker ends.
delete from coursewright.workers where worker_id = %(worker)s
