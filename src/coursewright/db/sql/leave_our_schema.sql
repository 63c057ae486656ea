-- What is left of the search path without our schema; never nothing.
select set_config('search_path', coalesce(string_agg(quote_ident(path.name), ', ' order by path.place), 'public'), true)
  from unnest(current_schemas(false)) with ordinality path (name, place) where path.name <> 'coursewright'
