"""What serves those who work on the course: recording notebooks, the guide, the coverage page, benchmarks."""
