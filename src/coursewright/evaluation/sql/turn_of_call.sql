-- Which turn of its task a call is.
select turn from coursewright.calls where id = %(call)s
