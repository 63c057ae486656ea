-- A passage with its neighbours in the document.
select d.id as document_id, d.name as document, d.title, p.id as passage_id, p.heading_path, p.page, p.time_code,
       p.text, p.language,
       (select b.text from coursewright.passages b where b.knowledge_base_id = p.knowledge_base_id
           and b.document = p.document and b.ordinal = p.ordinal - 1) as before,
       (select a.text from coursewright.passages a where a.knowledge_base_id = p.knowledge_base_id
           and a.document = p.document and a.ordinal = p.ordinal + 1) as after
  from coursewright.passages p
  join coursewright.documents d on d.knowledge_base_id = p.knowledge_base_id and d.name = p.document
  join coursewright.knowledge_bases k on k.id = d.knowledge_base_id
 where d.id = %(document_id)s and p.id = %(passage_id)s and k.organisation_id = %(organisation_id)s
