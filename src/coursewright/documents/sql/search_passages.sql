-- The passages that were found, with the words of the question between U+E000 and U+E001, once for each language. A
-- passage's place is counted among all of the knowledge base, as in passages.sql.
with asked as (
    select q.language, string_agg(quote_literal(w.lexeme), ' | ')::tsquery as query
      from unnest(%(languages)s::text[], %(questions)s::text[]) as q (language, question),
           unnest(coursewright.words(q.question, q.language)) as w
     group by q.language),
sizes as materialized (
    select document, count(*) as passages
      from coursewright.passages where knowledge_base_id = %(knowledge_base_id)s group by document)
select p.id, p.document, d.title, p.heading_path, p.start_offset as start, p.end_offset as end, p.text, p.language,
       p.sha256, p.page, p.time_code, d.licence, d.attribution, p.spans, p.terms,
       p.ordinal + coalesce((
           select sum(s.passages) from sizes s where s.document collate "C" < p.document collate "C"), 0)::int as ordinal,
       coalesce(nullif(d.language, ''), p.language) as document_language,
       (select coalesce(jsonb_object_agg(a.language, ts_headline(
                   coursewright.text_configuration(a.language), coursewright.parted(p.text), a.query,
                   U&'HighlightAll=true, StartSel=\E000, StopSel=\E001')), '{}') from asked a) as marked
  from unnest(%(ids)s::text[]) with ordinality as found (id, place)
  join coursewright.passages p on p.knowledge_base_id = %(knowledge_base_id)s and p.id = found.id
  join coursewright.documents d on d.knowledge_base_id = p.knowledge_base_id and d.name = p.document
  join coursewright.knowledge_bases k on k.id = p.knowledge_base_id and k.organisation_id = %(organisation_id)s
 order by found.place
