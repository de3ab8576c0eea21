"""The outside world, one system each: Secrets Manager, DynamoDB, the vendor's service, EventBridge, CloudWatch."""
