-- Its jobs by state.
SELECT state, count(*) FROM job WHERE chain_id = :id GROUP BY state;
