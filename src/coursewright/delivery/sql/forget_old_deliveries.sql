-- Deliveries that nobody asks for any more.
select coursewright.forget_old_deliveries()
