-- Whether keys are used here at all.
select exists (select from coursewright.api_keys) as used
