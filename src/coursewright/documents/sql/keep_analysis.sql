-- Keep what the author found in a knowledge base.
update coursewright.knowledge_bases set analysis = %(analysis)s::jsonb, analysed = %(fingerprint)s
 where id = %(knowledge_base_id)s and organisation_id = %(organisation_id)s
