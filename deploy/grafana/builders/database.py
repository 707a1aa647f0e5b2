"""PostgreSQL: connections, transactions, waiting, size."""

from __future__ import annotations

from deploy.grafana.builders.panels import Limits, Page, Query, bars, choice, graph, number

MINE = 'datname=~"$database",datname!~"template.*|"'


def page() -> Page:
    """The page."""
    state = [
        number(
            "在线 / Up",
            "1 为应答。 / 1 answers.",
            "min(pg_up)",
            alerts=["PostgresDown"],
            limits=Limits(1, 0.5, falling=True),
        ),
        number(
            "连接已用 / Connections taken",
            "占上限的比例。 / Of the limit.",
            "sum by (server) (pg_stat_activity_count) / on (server) max by (server) (pg_settings_max_connections)",
            unit="percentunit",
            alerts=["PostgresConnectionsHigh"],
            limits=Limits(0.6, 0.8),
            least=0,
            most=1,
        ),
        number(
            "最长的事务 / Longest transaction",
            "进行中的。 / Of those under way.",
            'max(pg_stat_activity_max_tx_duration{state=~"idle in transaction.*|active"})',
            unit="s",
            alerts=["PostgresLongTransaction"],
            limits=Limits(60, 900),
        ),
        number(
            "归档失败 / Archiving failed",
            "一天内。 / Within a day.",
            "sum(increase(pg_stat_archiver_failed_count[1d]))",
            alerts=["PostgresArchiveFails"],
            limits=Limits(1, 10),
        ),
        bars(
            "大小 / Size",
            "各数据库。 / Of each database.",
            Query(f"max by (datname) (pg_database_size_bytes{{{MINE}}})", "{{datname}}"),
            unit="bytes",
            alerts=["DataVolumeFilling"],
        ),
    ]
    work = [
        graph(
            "连接 / Connections",
            "按数据库与状态。 / By database and state.",
            [Query(f"sum by (datname, state) (pg_stat_activity_count{{{MINE}}}) > 0", "{{datname}} {{state}}")],
            unit="short",
            alerts=["PostgresConnectionsHigh"],
        ),
        graph(
            "事务 / Transactions",
            "每秒提交与回滚。 / Committed and rolled back, a second.",
            [
                Query(
                    f"sum by (datname) (rate(pg_stat_database_xact_commit{{{MINE}}}[$__rate_interval]))",
                    "{{datname}} 提交 commit",
                ),
                Query(
                    f"sum by (datname) (rate(pg_stat_database_xact_rollback{{{MINE}}}[$__rate_interval]))",
                    "{{datname}} 回滚 rollback",
                ),
            ],
            unit="ops",
            alerts=["PostgresDeadlocks"],
        ),
        graph(
            "死锁 / Deadlocks",
            "每小时。 / An hour.",
            [Query(f"sum by (datname) (increase(pg_stat_database_deadlocks{{{MINE}}}[1h]))", "{{datname}}")],
            unit="short",
            alerts=["PostgresDeadlocks"],
            limits=Limits(1, 20),
        ),
        graph(
            "缓存命中 / Found in memory",
            "读取的块有多少已在内存。 / Share of blocks read that were in memory.",
            [
                Query(
                    f"sum by (datname) (rate(pg_stat_database_blks_hit{{{MINE}}}[$__rate_interval]))"
                    f" / (sum by (datname) (rate(pg_stat_database_blks_hit{{{MINE}}}[$__rate_interval])"
                    f" + rate(pg_stat_database_blks_read{{{MINE}}}[$__rate_interval])) > 0) or on () vector(1)",
                    "{{datname}}",
                )
            ],
            unit="percentunit",
            most=1,
        ),
        graph(
            "行 / Rows",
            "每秒写入与更新。 / Inserted and updated, a second.",
            [
                Query(
                    f"sum by (datname) (rate(pg_stat_database_tup_inserted{{{MINE}}}[$__rate_interval]))",
                    "{{datname}} 插入 insert",
                ),
                Query(
                    f"sum by (datname) (rate(pg_stat_database_tup_updated{{{MINE}}}[$__rate_interval]))",
                    "{{datname}} 更新 update",
                ),
            ],
            unit="rowsps",
            alerts=["ServiceSlow"],
        ),
        graph(
            "锁 / Locks",
            "按种类。 / By mode.",
            [Query(f"sum by (mode) (pg_locks_count{{{MINE}}})", "{{mode}}")],
            unit="short",
            alerts=["PostgresLongTransaction"],
        ),
    ]
    return Page(
        "database",
        "数据库 / Database",
        "PostgreSQL 的连接、事务、锁与大小。 / Connections, transactions, locks and size of PostgreSQL.",
        [("状态 / State", state), ("工作 / Work", work)],
        [choice("database", "数据库 / Database", "label_values(pg_database_size_bytes, datname)")],
    )
