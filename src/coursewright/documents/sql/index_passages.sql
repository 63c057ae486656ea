-- The words of a document's passages, weighted as in BM25 (Robertson and Zaragoza 2009; k1 2, b 0.75). Each block counts
-- in its own language, since translated documents mix them; the heading of a passage counts twice, those above it once.
-- All passages are cut to one size, so their usual length is a constant: weights stay when other documents come.
with texts as (
    select p.ordinal, coalesce(nullif(s.language, ''), nullif(d.language, ''), p.language) as language,
           substr(p.text, s.start + 1, s."end" - s.start) as text, 1 as times
      from coursewright.passages p
      join coursewright.documents d on d.knowledge_base_id = p.knowledge_base_id and d.name = p.document
     cross join lateral jsonb_to_recordset(p.spans) as s (start int, "end" int, language text)
     where p.knowledge_base_id = %(knowledge_base_id)s and p.document = %(name)s
     union all
    select p.ordinal, coalesce(nullif(d.language, ''), p.language), h.heading,
           case when h.place = cardinality(p.heading_path) then 2 else 1 end
      from coursewright.passages p
      join coursewright.documents d on d.knowledge_base_id = p.knowledge_base_id and d.name = p.document
     cross join lateral unnest(p.heading_path) with ordinality as h (heading, place)
     where p.knowledge_base_id = %(knowledge_base_id)s and p.document = %(name)s),
words as (
    select t.language, t.ordinal, w.lexeme as word, sum(cardinality(w.positions) * t.times) as count
      from texts t cross join lateral unnest(coursewright.words(t.text, t.language)) w
     group by t.language, t.ordinal, w.lexeme),
lengths as (
    select ordinal, sum(count / case when language in ('ja', 'ko', 'th', 'zh') then 350.0 else 200.0 end) as length
      from words group by ordinal),
parts as (
    insert into coursewright.document_parts (knowledge_base_id, document, language, passages)
    select %(knowledge_base_id)s, %(name)s, language, count(distinct ordinal) from words group by language
    returning id, language)
insert into coursewright.passage_words (knowledge_base_id, word, part, ordinals, weights)
select %(knowledge_base_id)s, w.word, p.id, array_agg(w.ordinal order by w.ordinal),
       array_agg((w.count * 3 / (w.count + 2 * (0.25 + 0.75 * l.length)))::real order by w.ordinal)
  from words w join lengths l using (ordinal) join parts p using (language)
 group by w.word, p.id
