-- Forget a document; its original and its passages go with it.
delete from coursewright.documents d using coursewright.knowledge_bases k
 where d.id = %(document_id)s and k.id = d.knowledge_base_id and k.organisation_id = %(organisation_id)s
returning d.id
