"""Alembic's entry: runs on the connection that the store hands over."""

from alembic import context

from lib.store.tables import is_compared, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_name=is_compared,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
