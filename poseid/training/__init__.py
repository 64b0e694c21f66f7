"""What trains: losses, schedules, the DataModule and the LightningModule."""
