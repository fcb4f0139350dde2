"""How candidates are judged: the threshold, slices, calibration and costs."""
