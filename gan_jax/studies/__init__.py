"""What studies look at: classifiers under attack, generators as their defence, what drawn images are worth as training data."""
