"""Pictures and masks as numbers: what comes before an edited picture is sampled, and after it."""
