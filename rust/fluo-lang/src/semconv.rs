//! Old and new names of one attribute, by the OpenTelemetry semantic conventions.
//!
//! The table holds renames that kept the value: the published schema files from 1.8 to 1.44, and the migration guides for HTTP
//! and databases where these say more. Left out are renames that changed the value (`http.flavor`, `net.transport`,
//! `code.function`, `rpc.grpc.status_code`), split it (`http.target`), were taken back (`enduser.id`) or are about metrics.
//!
//! Some old names went to one new name together. The new name then finds each old one in the order of the table. Two choices in
//! it: `net.peer.name` and `net.peer.port` are `server.address` and `server.port`, as the client's span has them (on an old server's
//! span they name the client, which the conventions never renamed one to one); and `server.address` asks `net.host.name` first,
//! because a server's span may carry both.

/// `(old, new)`; a name renamed twice stands once for each of its successors, nearest first.
const RENAMES: &[(&str, &str)] = &[
    ("http.method", "http.request.method"),
    ("http.status_code", "http.response.status_code"),
    ("http.url", "url.full"),
    ("http.scheme", "url.scheme"),
    ("http.user_agent", "user_agent.original"),
    ("browser.user_agent", "user_agent.original"),
    ("http.client_ip", "client.address"),
    ("http.request_content_length", "http.request.body.size"),
    ("http.response_content_length", "http.response.body.size"),
    ("http.retry_count", "http.resend_count"),
    ("http.resend_count", "http.request.resend_count"),
    ("http.retry_count", "http.request.resend_count"),
    ("net.host.name", "server.address"),
    ("net.peer.name", "server.address"),
    ("tls.client.server_name", "server.address"),
    ("net.host.port", "server.port"),
    ("net.peer.port", "server.port"),
    ("net.sock.peer.addr", "network.peer.address"),
    ("net.peer.ip", "net.sock.peer.addr"),
    ("net.peer.ip", "network.peer.address"),
    ("net.sock.peer.port", "network.peer.port"),
    ("net.sock.host.addr", "network.local.address"),
    ("net.host.ip", "net.sock.host.addr"),
    ("net.host.ip", "network.local.address"),
    ("net.sock.host.port", "network.local.port"),
    ("net.app.protocol.name", "net.protocol.name"),
    ("net.app.protocol.name", "network.protocol.name"),
    ("net.protocol.name", "network.protocol.name"),
    ("net.app.protocol.version", "net.protocol.version"),
    ("net.app.protocol.version", "network.protocol.version"),
    ("net.protocol.version", "network.protocol.version"),
    ("net.host.connection.type", "network.connection.type"),
    ("net.host.connection.subtype", "network.connection.subtype"),
    ("net.host.carrier.name", "network.carrier.name"),
    ("net.host.carrier.mcc", "network.carrier.mcc"),
    ("net.host.carrier.mnc", "network.carrier.mnc"),
    ("net.host.carrier.icc", "network.carrier.icc"),
    ("peer.service", "service.peer.name"),
    ("db.statement", "db.query.text"),
    ("db.system", "db.system.name"),
    ("db.cassandra.keyspace", "db.name"),
    ("db.hbase.namespace", "db.name"),
    ("db.name", "db.namespace"),
    ("db.cassandra.keyspace", "db.namespace"),
    ("db.hbase.namespace", "db.namespace"),
    ("db.elasticsearch.cluster.name", "db.namespace"),
    ("db.operation", "db.operation.name"),
    ("db.sql.table", "db.collection.name"),
    ("db.mongodb.collection", "db.collection.name"),
    ("db.cassandra.table", "db.collection.name"),
    ("db.cosmosdb.container", "db.collection.name"),
    ("db.cassandra.coordinator.dc", "cassandra.coordinator.dc"),
    ("db.cassandra.coordinator.id", "cassandra.coordinator.id"),
    ("db.cassandra.consistency_level", "cassandra.consistency.level"),
    ("db.cassandra.idempotence", "cassandra.query.idempotent"),
    ("db.cassandra.page_size", "cassandra.page.size"),
    ("db.cassandra.speculative_execution_count", "cassandra.speculative_execution.count"),
    ("db.cosmosdb.client_id", "azure.client.id"),
    ("db.cosmosdb.connection_mode", "azure.cosmosdb.connection.mode"),
    ("db.cosmosdb.consistency_level", "azure.cosmosdb.consistency.level"),
    ("db.cosmosdb.request_charge", "azure.cosmosdb.operation.request_charge"),
    ("db.cosmosdb.request_content_length", "azure.cosmosdb.request.body.size"),
    ("db.cosmosdb.regions_contacted", "azure.cosmosdb.operation.contacted_regions"),
    ("db.cosmosdb.sub_status_code", "azure.cosmosdb.response.sub_status_code"),
    ("db.elasticsearch.node.name", "elasticsearch.node.name"),
    ("messaging.message_id", "messaging.message.id"),
    ("messaging.conversation_id", "messaging.message.conversation_id"),
    ("messaging.message_payload_size_bytes", "messaging.message.payload_size_bytes"),
    ("messaging.message_payload_size_bytes", "messaging.message.body.size"),
    ("messaging.message.payload_size_bytes", "messaging.message.body.size"),
    ("messaging.destination", "messaging.destination.name"),
    ("messaging.temp_destination", "messaging.destination.temporary"),
    ("messaging.operation", "messaging.operation.type"),
    ("messaging.client_id", "messaging.client.id"),
    ("messaging.kafka.client_id", "messaging.client_id"),
    ("messaging.kafka.client_id", "messaging.client.id"),
    ("messaging.rocketmq.client_id", "messaging.client_id"),
    ("messaging.rocketmq.client_id", "messaging.client.id"),
    ("messaging.consumer_id", "messaging.consumer.id"),
    ("messaging.kafka.message_key", "messaging.kafka.message.key"),
    ("messaging.kafka.consumer_group", "messaging.kafka.consumer.group"),
    ("messaging.kafka.consumer_group", "messaging.consumer.group.name"),
    ("messaging.kafka.consumer.group", "messaging.consumer.group.name"),
    ("messaging.rocketmq.client_group", "messaging.consumer.group.name"),
    ("messaging.eventhubs.consumer.group", "messaging.consumer.group.name"),
    ("messaging.servicebus.destination.subscription_name", "messaging.destination.subscription.name"),
    ("messaging.kafka.partition", "messaging.kafka.destination.partition"),
    ("messaging.kafka.partition", "messaging.destination.partition.id"),
    ("messaging.kafka.destination.partition", "messaging.destination.partition.id"),
    ("messaging.kafka.message.offset", "messaging.kafka.offset"),
    ("messaging.kafka.tombstone", "messaging.kafka.message.tombstone"),
    ("messaging.rabbitmq.routing_key", "messaging.rabbitmq.destination.routing_key"),
    ("rpc.system", "rpc.system.name"),
    ("rpc.jsonrpc.request_id", "jsonrpc.request.id"),
    ("rpc.jsonrpc.version", "jsonrpc.protocol.version"),
    ("message.type", "rpc.message.type"),
    ("message.id", "rpc.message.id"),
    ("message.compressed_size", "rpc.message.compressed_size"),
    ("message.uncompressed_size", "rpc.message.uncompressed_size"),
    ("faas.execution", "faas.invocation_id"),
    ("faas.id", "cloud.resource_id"),
    ("code.filepath", "code.file.path"),
    ("code.lineno", "code.line.number"),
    ("code.column", "code.column.number"),
    ("deployment.environment", "deployment.environment.name"),
    ("container.runtime", "container.runtime.name"),
    ("telemetry.auto.version", "telemetry.distro.version"),
    ("feature_flag.provider_name", "feature_flag.provider.name"),
    ("feature_flag.variant", "feature_flag.result.variant"),
    ("feature_flag.evaluation.reason", "feature_flag.result.reason"),
    ("feature_flag.evaluation.error.message", "feature_flag.error.message"),
    ("gen_ai.system", "gen_ai.provider.name"),
    ("gen_ai.usage.prompt_tokens", "gen_ai.usage.input_tokens"),
    ("gen_ai.usage.completion_tokens", "gen_ai.usage.output_tokens"),
    ("gen_ai.openai.request.seed", "gen_ai.request.seed"),
    ("gen_ai.openai.request.service_tier", "openai.request.service_tier"),
    ("gen_ai.openai.response.service_tier", "openai.response.service_tier"),
    ("gen_ai.openai.response.system_fingerprint", "openai.response.system_fingerprint"),
    ("az.namespace", "azure.resource_provider.namespace"),
    ("az.service_request_id", "azure.service.request.id"),
    ("vcs.repository.change.id", "vcs.change.id"),
    ("vcs.repository.change.title", "vcs.change.title"),
    ("vcs.repository.ref.name", "vcs.ref.head.name"),
    ("vcs.repository.ref.revision", "vcs.ref.head.revision"),
    ("vcs.repository.ref.type", "vcs.ref.head.type"),
    ("android.state", "android.app.state"),
    ("ios.state", "ios.app.state"),
];

/// The names under which an attribute is looked for: as written, then its successors, then its predecessors.
#[must_use]
pub fn names(written: &str) -> Vec<String> {
    let newer = RENAMES.iter().filter(|(old, _)| *old == written).map(|(_, new)| *new);
    let older = RENAMES.iter().filter(|(_, new)| *new == written).map(|(old, _)| *old);
    std::iter::once(written).chain(newer).chain(older).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::{RENAMES, names};

    #[test]
    fn either_name_finds_the_other() {
        assert_eq!(names("http.status_code"), ["http.status_code", "http.response.status_code"]);
        assert_eq!(names("http.response.status_code"), ["http.response.status_code", "http.status_code"]);
        assert_eq!(names("db.statement"), ["db.statement", "db.query.text"]);
        assert_eq!(names("order.id"), ["order.id"]);
    }

    #[test]
    fn names_of_before_1_17_are_found_and_find() {
        assert_eq!(names("http.request.resend_count"), ["http.request.resend_count", "http.resend_count", "http.retry_count"]);
        assert_eq!(names("http.retry_count"), ["http.retry_count", "http.resend_count", "http.request.resend_count"]);
        for old in ["db.name", "db.cassandra.keyspace", "db.hbase.namespace"] {
            assert!(names("db.namespace").contains(&old.to_owned()), "{old}");
        }
        assert_eq!(names("net.peer.ip"), ["net.peer.ip", "net.sock.peer.addr", "network.peer.address"]);
    }

    #[test]
    fn a_name_renamed_twice_finds_both_and_a_shared_name_finds_all() {
        assert_eq!(
            names("messaging.kafka.consumer_group"),
            ["messaging.kafka.consumer_group", "messaging.kafka.consumer.group", "messaging.consumer.group.name"]
        );
        assert_eq!(names("server.address"), ["server.address", "net.host.name", "net.peer.name", "tls.client.server_name"]);
    }

    #[test]
    fn every_alias_is_one_both_ways_and_stands_once() {
        for (at, (old, new)) in RENAMES.iter().enumerate() {
            assert!(names(old).contains(&(*new).to_owned()) && names(new).contains(&(*old).to_owned()), "{old} {new}");
            assert!(!RENAMES[at + 1..].contains(&(old, new)), "{old} {new}");
            assert!(old.contains('.') && new.contains('.'), "an undotted word is never aliased: {old} {new}");
        }
    }
}
