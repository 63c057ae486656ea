-- The passages that share words with a question, best first by BM25: the weight of each word where it stands, times its
-- rarity. Each language is asked in its own words and counted by itself.
with asked as (
    select q.language, lexeme as word
      from unnest(%(languages)s::text[], %(questions)s::text[]) as q (language, question),
           unnest(coursewright.words(q.question, q.language))),
parts as (
    select p.id, p.document, p.language, sum(p.passages) over (partition by p.language)::float8 as passages
      from coursewright.document_parts p join coursewright.knowledge_bases k on k.id = p.knowledge_base_id
     where p.knowledge_base_id = %(knowledge_base_id)s and k.organisation_id = %(organisation_id)s),
lists as materialized (
    select p.document, w.ordinals, w.weights, p.passages,
           sum(cardinality(w.ordinals)) over (partition by p.language, w.word)::float8 as holders
      from asked a
      join parts p using (language)
      join coursewright.passage_words w
        on w.knowledge_base_id = %(knowledge_base_id)s and w.word = a.word and w.part = p.id),
rated as materialized (
    select document, ordinals, weights, ln(1 + (passages - holders + 0.5) / (holders + 0.5)) as rarity from lists),
scored as (
    select r.document, o.ordinal, sum(o.weight * r.rarity) as score
      from rated r cross join lateral unnest(r.ordinals, r.weights) as o (ordinal, weight)
     group by r.document, o.ordinal
     order by score desc, r.document collate "C", o.ordinal limit %(most)s)
select p.id, s.score
  from scored s
  join coursewright.passages p
    on p.knowledge_base_id = %(knowledge_base_id)s and p.document = s.document and p.ordinal = s.ordinal
 order by s.score desc, p.document collate "C", p.ordinal
