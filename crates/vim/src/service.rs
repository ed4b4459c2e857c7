//! The service instance and the session manager.

use farside_models_vim::operation::{
    SERVICE_INSTANCE_CURRENT_TIME, SERVICE_INSTANCE_GET_CAPABILITY, SERVICE_INSTANCE_GET_CONTENT,
    SERVICE_INSTANCE_GET_SERVER_CLOCK, SERVICE_INSTANCE_QUERY_V_MOTION_COMPATIBILITY,
    SERVICE_INSTANCE_RETRIEVE_PRODUCT_COMPONENTS, SERVICE_INSTANCE_RETRIEVE_SERVICE_CONTENT,
    SERVICE_INSTANCE_VALIDATE_MIGRATION, SESSION_MANAGER_ACQUIRE_CLONE_TICKET,
    SESSION_MANAGER_ACQUIRE_GENERIC_SERVICE_TICKET, SESSION_MANAGER_ACQUIRE_LOCAL_TICKET,
    SESSION_MANAGER_CLONE_SESSION, SESSION_MANAGER_GET_CURRENT_SESSION, SESSION_MANAGER_GET_DEFAULT_LOCALE,
    SESSION_MANAGER_GET_MESSAGE, SESSION_MANAGER_GET_MESSAGE_LOCALE_LIST, SESSION_MANAGER_GET_SESSION_LIST,
    SESSION_MANAGER_GET_SUPPORTED_LOCALE_LIST, SESSION_MANAGER_IMPERSONATE_USER, SESSION_MANAGER_LOGIN,
    SESSION_MANAGER_LOGIN_BY_SSPI, SESSION_MANAGER_LOGIN_BY_TOKEN,
    SESSION_MANAGER_LOGIN_EXTENSION_BY_CERTIFICATE, SESSION_MANAGER_LOGIN_EXTENSION_BY_SUBJECT_NAME,
    SESSION_MANAGER_LOGOUT, SESSION_MANAGER_SESSION_IS_ACTIVE, SESSION_MANAGER_SET_LOCALE,
    SESSION_MANAGER_TERMINATE_SESSION, SESSION_MANAGER_UPDATE_SERVICE_MESSAGE,
};
use farside_models_vim::{
    AcquireGenericServiceTicketRequest, AcquireLocalTicketRequest, Capability, CloneSessionRequest, Event,
    HostVMotionCompatibility, ImpersonateUserRequest, LoginBySSPIRequest, LoginByTokenRequest,
    LoginExtensionByCertificateRequest, LoginExtensionBySubjectNameRequest, LoginRequest,
    ProductComponentInfo, QueryVMotionCompatibilityRequest, ServiceContent, SessionIsActiveRequest,
    SessionManagerGenericServiceTicket, SessionManagerLocalTicket, SetLocaleRequest, TerminateSessionRequest,
    UpdateServiceMessageRequest, UserSession, ValidateMigrationRequest,
};
use farside_transport::CallError;
use farside_wire::{Object, Secret, Timestamp};

use crate::client::VimClient;
use crate::invocation::Invocation;
use crate::object::ManagedObject as _;

crate::managed_object! {
    /// The root of the service: [`VimClient::service_instance`].
    pub struct ServiceInstance = "ServiceInstance";
    /// Where sessions are opened, listed and closed: [`VimClient::session_manager`].
    ///
    /// A client logs in by itself. The token that an answer brings, of a log-in, a cloned or an impersonated session, becomes
    /// that of the client's session (VI JSON wire rules 2.3); when it dies, the client logs in with its own user again.
    pub struct SessionManager = "SessionManager";
}

crate::methods! {
    ServiceInstance {
        /// Reads the references that everything else starts from, within the session. [`VimClient::content`] keeps them.
        read content() -> value ServiceContent = SERVICE_INSTANCE_GET_CONTENT;
        /// Does as [`ServiceInstance::content`], as a method.
        read retrieve_service_content() -> value ServiceContent = SERVICE_INSTANCE_RETRIEVE_SERVICE_CONTENT;
        /// Reads the server's clock. Cheap, and shows whether the session is good.
        read current_time() -> value Timestamp = SERVICE_INSTANCE_CURRENT_TIME;
        /// Reads the time that was last taken from the server, which need not be the present one; there to be watched.
        read server_clock() -> value Timestamp = SERVICE_INSTANCE_GET_SERVER_CLOCK;
        /// Reads what this kind of server can do at all.
        read capability() -> value Capability = SERVICE_INSTANCE_GET_CAPABILITY;
        /// Reads the components of a bundled product.
        read product_components() -> list ProductComponentInfo = SERVICE_INSTANCE_RETRIEVE_PRODUCT_COMPONENTS;
        /// Checks which hosts a machine could be moved to while it runs. A host that was never connected is left out.
        read query_vmotion_compatibility(request: &QueryVMotionCompatibilityRequest) -> list HostVMotionCompatibility
            = SERVICE_INSTANCE_QUERY_V_MOTION_COMPATIBILITY;
        /// Checks whether machines could be moved, and moves nothing. What speaks against it comes as events.
        read validate_migration(request: &ValidateMigrationRequest) -> list Object<Event> = SERVICE_INSTANCE_VALIDATE_MIGRATION;
    }
}

crate::methods! {
    SessionManager {
        /// Opens another session, with user and password, which becomes that of this client.
        act login(request: &LoginRequest) -> value UserSession = SESSION_MANAGER_LOGIN;
        /// Opens another session by SSPI. The fault `SSPIChallenge` asks for a second call, with the answer to what it holds.
        act login_by_sspi(request: &LoginBySSPIRequest) -> value UserSession = SESSION_MANAGER_LOGIN_BY_SSPI;
        /// Opens another session for an extension that has shown its certificate in the TLS handshake.
        act login_extension_by_certificate(request: &LoginExtensionByCertificateRequest) -> value UserSession
            = SESSION_MANAGER_LOGIN_EXTENSION_BY_CERTIFICATE;
        /// Opens another session for an extension whose certificate bears the registered subject name.
        act login_extension_by_subject_name(request: &LoginExtensionBySubjectNameRequest) -> value UserSession
            = SESSION_MANAGER_LOGIN_EXTENSION_BY_SUBJECT_NAME;
        /// Opens a session of the user who took the ticket ([`SessionManager::acquire_clone_ticket`]).
        act clone_session(request: &CloneSessionRequest) -> value UserSession = SESSION_MANAGER_CLONE_SESSION;
        /// Ends the client's session; the next call opens another one. To end for good: [`VimClient::close`].
        act logout() -> nothing = SESSION_MANAGER_LOGOUT;
        /// Makes a ticket with which another client can open a session as the same user. It works once, and while this
        /// session lasts.
        act acquire_clone_ticket() -> value Secret = SESSION_MANAGER_ACQUIRE_CLONE_TICKET;
        /// Makes a ticket that lets one given request through once, without a session.
        act acquire_generic_service_ticket(request: &AcquireGenericServiceTicketRequest) -> value SessionManagerGenericServiceTicket
            = SESSION_MANAGER_ACQUIRE_GENERIC_SERVICE_TICKET;
        /// Makes a one-time user and password for a client on the server's own machine.
        act acquire_local_ticket(request: &AcquireLocalTicketRequest) -> value SessionManagerLocalTicket
            = SESSION_MANAGER_ACQUIRE_LOCAL_TICKET;
        /// Turns the session into one of another user, who must have an active session, or of an extension.
        act impersonate_user(request: &ImpersonateUserRequest) -> value UserSession = SESSION_MANAGER_IMPERSONATE_USER;
        /// Checks whether a session of this key (not its token) and user is active.
        read session_is_active(request: &SessionIsActiveRequest) -> value bool = SESSION_MANAGER_SESSION_IS_ACTIVE;
        /// Sets the language of the messages in later answers.
        act set_locale(request: &SetLocaleRequest) -> nothing = SESSION_MANAGER_SET_LOCALE;
        /// Ends other sessions by their keys, in order. After `NotFound` those before it have ended, those after it not.
        act terminate_session(request: &TerminateSessionRequest) -> nothing = SESSION_MANAGER_TERMINATE_SESSION;
        /// Sets the message that clients show to everyone; an empty one takes it away.
        act update_service_message(request: &UpdateServiceMessageRequest) -> nothing = SESSION_MANAGER_UPDATE_SERVICE_MESSAGE;
        /// Reads the client's own session.
        read current_session() -> optional UserSession = SESSION_MANAGER_GET_CURRENT_SESSION;
        /// Reads the active sessions of all users.
        read session_list() -> list UserSession = SESSION_MANAGER_GET_SESSION_LIST;
        /// Reads the message to all users.
        read message() -> optional String = SESSION_MANAGER_GET_MESSAGE;
        /// Reads the locale that a session has if it asks for none.
        read default_locale() -> value String = SESSION_MANAGER_GET_DEFAULT_LOCALE;
        /// Reads the locales that there are messages in.
        read message_locale_list() -> list String = SESSION_MANAGER_GET_MESSAGE_LOCALE_LIST;
        /// Reads the locales that a session may ask for.
        read supported_locale_list() -> list String = SESSION_MANAGER_GET_SUPPORTED_LOCALE_LIST;
    }
}

impl SessionManager {
    /// Opens another session with a token of single sign-on, which becomes that of this client.
    ///
    /// In which header the token travels is not documented for VI JSON; `authorization` is sent as the header of that name,
    /// as it is ("Bearer ..."). One call of [`SESSION_MANAGER_LOGIN_BY_TOKEN`].
    ///
    /// # Errors
    /// [`CallError`]; `InvalidLogin` where the server finds no token, or none that is good.
    ///
    /// # Cancel safety
    /// A dropped future can leave a session open that ends by its idle time.
    pub async fn login_by_token(
        &self,
        request: &LoginByTokenRequest,
        authorization: &Secret,
    ) -> Result<UserSession, CallError> {
        let call = Invocation::new(&SESSION_MANAGER_LOGIN_BY_TOKEN, self.id())
            .target("a token of single sign-on")
            .body(request)
            .authorization(authorization)
            .with_session();
        self.client().value(call).await
    }
}

impl VimClient {
    /// The root of the service. Nothing is sent.
    #[must_use]
    pub fn service_instance(&self) -> ServiceInstance {
        self.object("ServiceInstance")
    }
}
