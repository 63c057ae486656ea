-- Passages of a knowledge base in order (documents by name), all or those named. A passage's place is counted among all.
with placed as (
    select id, (row_number() over (order by document collate "C", ordinal))::int - 1 as place
      from coursewright.passages where knowledge_base_id = %(knowledge_base_id)s)
select p.id, p.document, d.title, placed.place as ordinal, p.heading_path, p.start_offset as start, p.end_offset as end,
       p.text, p.language, p.sha256, p.page, p.time_code, d.licence, d.attribution, p.spans, p.terms
  from coursewright.passages p
  join placed on placed.id = p.id
  join coursewright.documents d on d.knowledge_base_id = p.knowledge_base_id and d.name = p.document
  join coursewright.knowledge_bases k on k.id = p.knowledge_base_id
 where p.knowledge_base_id = %(knowledge_base_id)s and k.organisation_id = %(organisation_id)s
   and (%(ids)s::text[] is null or p.id = any (%(ids)s::text[]))
 order by placed.place
