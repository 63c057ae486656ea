-- Delete the replies that were derived from some documents, or from a whole knowledge base.
select coursewright.forget_replies(%(organisation)s, %(knowledge_base)s, %(documents)s::text[]) as forgotten
