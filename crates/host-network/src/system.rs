//! The managed object `HostNetworkSystem`: one method for each of its methods and properties, the inherited ones
//! included.

use farside_models_vim::operation::{
    HOST_NETWORK_SYSTEM_ADD_PORT_GROUP, HOST_NETWORK_SYSTEM_ADD_SERVICE_CONSOLE_VIRTUAL_NIC,
    HOST_NETWORK_SYSTEM_ADD_VIRTUAL_NIC, HOST_NETWORK_SYSTEM_ADD_VIRTUAL_SWITCH,
    HOST_NETWORK_SYSTEM_GET_AVAILABLE_FIELD, HOST_NETWORK_SYSTEM_GET_CAPABILITIES,
    HOST_NETWORK_SYSTEM_GET_CONSOLE_IP_ROUTE_CONFIG, HOST_NETWORK_SYSTEM_GET_DNS_CONFIG,
    HOST_NETWORK_SYSTEM_GET_IP_ROUTE_CONFIG, HOST_NETWORK_SYSTEM_GET_NETWORK_CONFIG,
    HOST_NETWORK_SYSTEM_GET_NETWORK_INFO, HOST_NETWORK_SYSTEM_GET_OFFLOAD_CAPABILITIES,
    HOST_NETWORK_SYSTEM_GET_VALUE, HOST_NETWORK_SYSTEM_QUERY_NETWORK_HINT,
    HOST_NETWORK_SYSTEM_REFRESH_NETWORK_SYSTEM, HOST_NETWORK_SYSTEM_REMOVE_PORT_GROUP,
    HOST_NETWORK_SYSTEM_REMOVE_SERVICE_CONSOLE_VIRTUAL_NIC, HOST_NETWORK_SYSTEM_REMOVE_VIRTUAL_NIC,
    HOST_NETWORK_SYSTEM_REMOVE_VIRTUAL_SWITCH, HOST_NETWORK_SYSTEM_RESTART_SERVICE_CONSOLE_VIRTUAL_NIC,
    HOST_NETWORK_SYSTEM_SET_CUSTOM_VALUE, HOST_NETWORK_SYSTEM_START_DPU_FAILOVER,
    HOST_NETWORK_SYSTEM_UPDATE_CONSOLE_IP_ROUTE_CONFIG, HOST_NETWORK_SYSTEM_UPDATE_DNS_CONFIG,
    HOST_NETWORK_SYSTEM_UPDATE_IP_ROUTE_CONFIG, HOST_NETWORK_SYSTEM_UPDATE_IP_ROUTE_TABLE_CONFIG,
    HOST_NETWORK_SYSTEM_UPDATE_NETWORK_CONFIG, HOST_NETWORK_SYSTEM_UPDATE_PHYSICAL_NIC_LINK_SPEED,
    HOST_NETWORK_SYSTEM_UPDATE_PORT_GROUP, HOST_NETWORK_SYSTEM_UPDATE_SERVICE_CONSOLE_VIRTUAL_NIC,
    HOST_NETWORK_SYSTEM_UPDATE_VIRTUAL_NIC, HOST_NETWORK_SYSTEM_UPDATE_VIRTUAL_SWITCH,
};
use farside_models_vim::{
    AddPortGroupRequest, AddServiceConsoleVirtualNicRequest, AddVirtualNicRequest, AddVirtualSwitchRequest,
    CustomFieldDef, CustomFieldValue, HostDnsConfig, HostIpRouteConfig, HostNetCapabilities,
    HostNetOffloadCapabilities, HostNetworkConfig, HostNetworkConfigResult, HostNetworkInfo,
    PhysicalNicHintInfo, QueryNetworkHintRequest, RemovePortGroupRequest,
    RemoveServiceConsoleVirtualNicRequest, RemoveVirtualNicRequest, RemoveVirtualSwitchRequest,
    RestartServiceConsoleVirtualNicRequest, SetCustomValueRequest, StartDpuFailoverRequest,
    UpdateConsoleIpRouteConfigRequest, UpdateDnsConfigRequest, UpdateIpRouteConfigRequest,
    UpdateIpRouteTableConfigRequest, UpdateNetworkConfigRequest, UpdatePhysicalNicLinkSpeedRequest,
    UpdatePortGroupRequest, UpdateServiceConsoleVirtualNicRequest, UpdateVirtualNicRequest,
    UpdateVirtualSwitchRequest,
};
use farside_wire::Object;

farside_vim::managed_object! {
    /// The network of one host, as its `HostSystem.configManager.networkSystem` names it.
    ///
    /// Whatever changes the network can cut the connection between vCenter and the host: an outcome that is not known is
    /// looked up by reading, never by sending again.
    pub struct HostNetworkSystem = "HostNetworkSystem";
}

farside_vim::methods! {
    HostNetworkSystem {
        /// Adds a port group to a standard switch.
        act add_port_group(request: &AddPortGroupRequest) -> nothing = HOST_NETWORK_SYSTEM_ADD_PORT_GROUP;
        /// Changes a port group of a standard switch; the specification replaces the whole of the old one.
        act update_port_group(request: &UpdatePortGroupRequest) -> nothing = HOST_NETWORK_SYSTEM_UPDATE_PORT_GROUP;
        /// Removes a port group that nothing uses.
        act remove_port_group(request: &RemovePortGroupRequest) -> nothing = HOST_NETWORK_SYSTEM_REMOVE_PORT_GROUP;
        /// Adds a standard switch.
        act add_virtual_switch(request: &AddVirtualSwitchRequest) -> nothing = HOST_NETWORK_SYSTEM_ADD_VIRTUAL_SWITCH;
        /// Changes a standard switch; the specification replaces the whole of the old one.
        act update_virtual_switch(request: &UpdateVirtualSwitchRequest) -> nothing
            = HOST_NETWORK_SYSTEM_UPDATE_VIRTUAL_SWITCH;
        /// Removes a standard switch that nothing uses.
        act remove_virtual_switch(request: &RemoveVirtualSwitchRequest) -> nothing
            = HOST_NETWORK_SYSTEM_REMOVE_VIRTUAL_SWITCH;
        /// Adds an interface of the host itself (vmkernel), and gives its name, such as `vmk2`.
        act add_virtual_nic(request: &AddVirtualNicRequest) -> value String = HOST_NETWORK_SYSTEM_ADD_VIRTUAL_NIC;
        /// Changes an interface of the host itself. The one that vCenter uses can be lost by it.
        act update_virtual_nic(request: &UpdateVirtualNicRequest) -> nothing = HOST_NETWORK_SYSTEM_UPDATE_VIRTUAL_NIC;
        /// Removes an interface of the host itself. The one that vCenter uses can be lost by it.
        act remove_virtual_nic(request: &RemoveVirtualNicRequest) -> nothing = HOST_NETWORK_SYSTEM_REMOVE_VIRTUAL_NIC;
        /// Adds an interface of the service console, which only old hosts have, and gives its name, such as `vswif1`.
        act add_service_console_virtual_nic(request: &AddServiceConsoleVirtualNicRequest) -> value String
            = HOST_NETWORK_SYSTEM_ADD_SERVICE_CONSOLE_VIRTUAL_NIC;
        /// Changes an interface of the service console.
        act update_service_console_virtual_nic(request: &UpdateServiceConsoleVirtualNicRequest) -> nothing
            = HOST_NETWORK_SYSTEM_UPDATE_SERVICE_CONSOLE_VIRTUAL_NIC;
        /// Starts an interface of the service console anew.
        act restart_service_console_virtual_nic(request: &RestartServiceConsoleVirtualNicRequest) -> nothing
            = HOST_NETWORK_SYSTEM_RESTART_SERVICE_CONSOLE_VIRTUAL_NIC;
        /// Removes an interface of the service console.
        act remove_service_console_virtual_nic(request: &RemoveServiceConsoleVirtualNicRequest) -> nothing
            = HOST_NETWORK_SYSTEM_REMOVE_SERVICE_CONSOLE_VIRTUAL_NIC;
        /// Sets how the host resolves names.
        act update_dns_config(request: &UpdateDnsConfigRequest) -> nothing = HOST_NETWORK_SYSTEM_UPDATE_DNS_CONFIG;
        /// Sets the default gateways of the host.
        act update_ip_route_config(request: &UpdateIpRouteConfigRequest) -> nothing
            = HOST_NETWORK_SYSTEM_UPDATE_IP_ROUTE_CONFIG;
        /// Sets the default gateways of the service console.
        act update_console_ip_route_config(request: &UpdateConsoleIpRouteConfigRequest) -> nothing
            = HOST_NETWORK_SYSTEM_UPDATE_CONSOLE_IP_ROUTE_CONFIG;
        /// Adds routes to the table and removes others from it.
        act update_ip_route_table_config(request: &UpdateIpRouteTableConfigRequest) -> nothing
            = HOST_NETWORK_SYSTEM_UPDATE_IP_ROUTE_TABLE_CONFIG;
        /// Applies many changes of the network at once, and gives the names of the interfaces that were added.
        act update_network_config(request: &UpdateNetworkConfigRequest) -> value HostNetworkConfigResult
            = HOST_NETWORK_SYSTEM_UPDATE_NETWORK_CONFIG;
        /// Fixes speed (megabits per second) and duplex of a physical card, or lets it negotiate them.
        act update_physical_nic_link_speed(request: &UpdatePhysicalNicLinkSpeedRequest) -> nothing
            = HOST_NETWORK_SYSTEM_UPDATE_PHYSICAL_NIC_LINK_SPEED;
        /// Reads which networks the host has seen on its physical cards.
        read query_network_hint(request: &QueryNetworkHintRequest) -> list PhysicalNicHintInfo
            = HOST_NETWORK_SYSTEM_QUERY_NETWORK_HINT;
        /// Lets vCenter read the network of the host anew.
        act refresh() -> nothing = HOST_NETWORK_SYSTEM_REFRESH_NETWORK_SYSTEM;
        /// Sets a custom field.
        act set_custom_value(request: &SetCustomValueRequest) -> nothing = HOST_NETWORK_SYSTEM_SET_CUSTOM_VALUE;
        /// Asks for the move of an offloaded switch to its standby DPU. Success means that it was taken, not that the switch
        /// has moved; a second call may move it back. [`HostNetwork`](crate::HostNetwork) looks before it asks.
        once start_dpu_failover(request: &StartDpuFailoverRequest) -> nothing = HOST_NETWORK_SYSTEM_START_DPU_FAILOVER;
        /// Reads which custom fields it can have.
        read available_fields() -> list CustomFieldDef = HOST_NETWORK_SYSTEM_GET_AVAILABLE_FIELD;
        /// Reads its custom fields.
        read custom_values() -> list Object<CustomFieldValue> = HOST_NETWORK_SYSTEM_GET_VALUE;
        /// Reads what the network of the host can do.
        read capabilities() -> optional HostNetCapabilities = HOST_NETWORK_SYSTEM_GET_CAPABILITIES;
        /// Reads what the host can leave to its cards (checksums, segmentation). It says nothing about DPUs.
        read offload_capabilities() -> optional HostNetOffloadCapabilities
            = HOST_NETWORK_SYSTEM_GET_OFFLOAD_CAPABILITIES;
        /// Reads how the host resolves names.
        read dns_config() -> optional Object<HostDnsConfig> = HOST_NETWORK_SYSTEM_GET_DNS_CONFIG;
        /// Reads the default gateways of the host.
        read ip_route_config() -> optional Object<HostIpRouteConfig> = HOST_NETWORK_SYSTEM_GET_IP_ROUTE_CONFIG;
        /// Reads the default gateways of the service console; none on hosts that have no service console.
        read console_ip_route_config() -> optional Object<HostIpRouteConfig>
            = HOST_NETWORK_SYSTEM_GET_CONSOLE_IP_ROUTE_CONFIG;
        /// Reads the network as it is configured, in the form that [`HostNetworkSystem::update_network_config`] takes.
        read network_config() -> optional HostNetworkConfig = HOST_NETWORK_SYSTEM_GET_NETWORK_CONFIG;
        /// Reads the network as it is: switches, port groups, interfaces, physical cards.
        read network_info() -> optional HostNetworkInfo = HOST_NETWORK_SYSTEM_GET_NETWORK_INFO;
    }
}
