"""What ships: the enhancers, their opponents, saving and loading. torch only."""
