"""Where the work is done that the driver gives out: in threads of its own process, or in Ray's actors."""
