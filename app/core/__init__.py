"""What every slice may use: database, errors, HTTP, auth, clock, numbers, queue. Knows no slice."""
