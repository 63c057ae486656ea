-- Documents that a reader was told to stop reading: somebody else may begin at once.
update coursewright.documents set status = 'queued', read_until = null
 where id = any (%(ids)s::uuid[]) and status = 'processing'
