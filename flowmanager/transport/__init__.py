"""AMQP by kombu: the only package that knows exchanges, queues, channels and connections."""
