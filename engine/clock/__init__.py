"""Exchange calendars, schedules and their ticks, the simulated clock."""
