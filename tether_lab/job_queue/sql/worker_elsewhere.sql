-- A worker of another host that has shown itself lately; asked only on network file systems.
SELECT host FROM worker
 WHERE host <> :host AND state IN ('running', 'draining') AND beat_at > :since;
