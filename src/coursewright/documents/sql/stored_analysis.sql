-- What the author found in a knowledge base, if its documents are still those that it was found in.
select now.fingerprint, case when k.analysed = now.fingerprint then k.analysis end as analysis
  from coursewright.knowledge_bases k,
       lateral (select md5(string_agg(format('%%s %%s %%s', d.name, d.sha256, d.read_at), e'\n' order by d.name)) as fingerprint
                  from coursewright.documents d where d.knowledge_base_id = k.id and d.status = 'completed') now
 where k.id = %(knowledge_base_id)s and k.organisation_id = %(organisation_id)s
