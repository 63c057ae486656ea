-- Store a reply and settle its money.
select coursewright.record_reply(%(send)s, %(prompt)s, %(reply)s, %(cost)s, %(price)s) as answers
