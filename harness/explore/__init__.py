"""Made-up leavers: what can be said on a fleet, one story of it, how it is tried, made smaller and written down."""
