"""The parts of the wind tunnel (`benchmarks.wind_tunnel`), each to be read and tested alone."""
