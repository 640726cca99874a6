"""The folders where a scanner lays its files: chosen, looked at, each file taken once and moved once it is kept."""
