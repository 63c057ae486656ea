-- What the application no longer names is forgotten with its passages; what another look has seen meanwhile stays.
with gone as (
    delete from coursewright.documents d using coursewright.knowledge_bases k
     where k.id = d.knowledge_base_id and k.organisation_id = %(organisation_id)s
       and d.knowledge_base_id = %(knowledge_base_id)s and d.followed_at < %(began)s)
update coursewright.knowledge_bases set followed_at = %(began)s
 where id = %(knowledge_base_id)s and organisation_id = %(organisation_id)s
