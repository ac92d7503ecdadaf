-- Deliveries that may not begin before a time: few, and moved with the wall when it is set, whatever else waits.
CREATE INDEX delivery_later ON delivery (not_before) WHERE state = 0 AND not_before IS NOT NULL;
