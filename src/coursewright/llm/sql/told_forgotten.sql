-- They are deleted from the first level.
delete from coursewright.forgotten where key = any(%(keys)s) returning 1
