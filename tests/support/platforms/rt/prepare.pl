#!/usr/bin/perl
# Runs once, on an empty Request Tracker: the custom fields, the user and the token that the tests
# use. Prints {"user", "password", "token"}.
use strict;
use warnings;
use lib '/usr/share/request-tracker5/lib';
use JSON ();
use RT -init;

my ($name, $password) = ('syncline', 'syncline-of-the-tests');

sub made {
    my ($object, %values) = @_;
    my ($id, $why, $secret) = $object->Create(%values);
    die ref($object) . ": $why\n" unless $id;
    return $secret // $object;
}

sub add_field {
    my ($place, $target, %values) = @_;
    my $choices = delete $values{Choices} // [];
    my $field = made(RT::CustomField->new(RT->SystemUser), LookupType => $place, %values);
    $field->AddValue(Name => $_) for @$choices;
    my ($done, $why) = $field->AddToObject($target);
    die "$values{Name}: $why\n" unless $done;
}

my $tickets = 'RT::Queue-RT::Ticket';
my $everywhere = RT::Queue->new(RT->SystemUser);
add_field($tickets, $everywhere, Name => 'Syncline', Type => 'FreeformSingle');
add_field($tickets, $everywhere, Name => 'Due On', Type => 'DateSingle');
add_field($tickets, $everywhere, Name => 'Called At', Type => 'DateTimeSingle');
add_field($tickets, $everywhere, Name => 'Severity', Type => 'SelectSingle',
    Choices => ['low', 'medium', 'high', 'critical']);
add_field($tickets, $everywhere, Name => $_, Type => 'FreeformSingle') for qw(Customer Part Order);
add_field('RT::User', RT::User->new(RT->SystemUser), Name => 'Syncline', Type => 'FreeformSingle');

my $user = made(RT::User->new(RT->SystemUser), Name => $name, Password => $password,
    EmailAddress => "$name\@example.test", Privileged => 1);
for my $right (
    qw(SeeQueue ShowTicket ShowTicketComments CreateTicket ModifyTicket ReplyToTicket DeleteTicket
    CommentOnTicket OwnTicket SeeCustomField ModifyCustomField SetInitialCustomField AdminUsers)
) {
    my ($done, $why) = $user->PrincipalObj->GrantRight(Right => $right, Object => RT->System);
    die "$right: $why\n" unless $done;
}
my $token = made(RT::AuthToken->new(RT->SystemUser), Owner => $user->id,
    Description => 'Syncline');
print JSON->new->canonical->encode({user => $name, password => $password, token => $token}), "\n";
