"""What is wrong, or looks wrong, with definitions: by themselves, and against what Prometheus holds."""
