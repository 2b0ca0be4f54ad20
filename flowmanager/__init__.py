"""Flow manager: runs call flows as a RabbitMQ RPC worker on MySQL."""

__version__ = "0.1.0"
