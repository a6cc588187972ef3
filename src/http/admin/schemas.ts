/**
 * Every shape of the admin API under the name it has in the OpenAPI document. Operations refer to
 * shapes by these names, so that what is validated, typed and documented is one thing.
 */
import { type Static, Type } from "@sinclair/typebox";
import { Budget, BudgetChange, BudgetInput } from "../../admin/shapes/budget.ts";
import {
  Alert,
  BudgetReset,
  BudgetTopUp,
  Credit,
  PastWindow,
  Projection,
} from "../../admin/shapes/budget-money.ts";
import { Company } from "../../admin/shapes/company.ts";
import { EndedJob, Job, JobEnding } from "../../admin/shapes/job.ts";
import { Ledger } from "../../admin/shapes/ledger.ts";
import { Limit, LimitChange, LimitInput } from "../../admin/shapes/limit.ts";
import { pageOf } from "../../admin/shapes/members.ts";
import { Price, PriceChange, PriceInput } from "../../admin/shapes/price.ts";
import { CataloguePrice, PricePreview, UnpricedModel } from "../../admin/shapes/price-catalogue.ts";
import { Project, ProjectChange, ProjectInput } from "../../admin/shapes/project.ts";
import { Provider, ProviderChange, ProviderInput } from "../../admin/shapes/provider.ts";
import { LoggedRequest, RequestDetail } from "../../admin/shapes/request.ts";
import { Route, RouteChange, RouteInput } from "../../admin/shapes/route.ts";
import { RouteExplainInput, RouteExplanation } from "../../admin/shapes/route-explain.ts";
import { Tenant, TenantChange, TenantInput } from "../../admin/shapes/tenant.ts";
import {
  IssuedToken,
  Token,
  TokenChange,
  TokenInput,
  TokenRotation,
} from "../../admin/shapes/token.ts";
import { Usage } from "../../admin/shapes/usage.ts";

export const SCHEMAS = {
  TenantInput,
  TenantChange,
  Tenant,
  TenantPage: pageOf(Tenant, "A page of tenants."),
  ProjectInput,
  ProjectChange,
  Project,
  ProjectPage: pageOf(Project, "A page of projects."),
  TokenInput,
  TokenChange,
  TokenRotation,
  Token,
  IssuedToken,
  TokenPage: pageOf(Token, "A page of access tokens."),
  ProviderInput,
  ProviderChange,
  Provider,
  ProviderPage: pageOf(Provider, "A page of providers."),
  CompanyPage: pageOf(Company, "Every company that Tollgate knows."),
  RouteInput,
  RouteChange,
  Route,
  RoutePage: pageOf(Route, "A page of routes."),
  RouteExplainInput,
  RouteExplanation,
  PriceInput,
  PriceChange,
  Price,
  PricePage: pageOf(Price, "A page of prices."),
  PricePreview,
  CataloguePage: pageOf(CataloguePrice, "A page of the catalogue, by provider and model."),
  UnpricedPage: pageOf(UnpricedModel, "A page of models without a price."),
  BudgetInput,
  BudgetChange,
  Budget,
  BudgetPage: pageOf(Budget, "A page of budgets."),
  BudgetReset,
  BudgetTopUp,
  Credit,
  CreditPage: pageOf(Credit, "A page of credits, oldest first."),
  PastWindowPage: pageOf(PastWindow, "A page of past windows, newest first."),
  Projection,
  AlertPage: pageOf(Alert, "A page of alerts, newest first."),
  Job,
  JobPage: pageOf(Job, "A page of open jobs, newest first."),
  JobEnding,
  EndedJob,
  Ledger,
  LimitInput,
  LimitChange,
  Limit,
  LimitPage: pageOf(Limit, "A page of limits."),
  Usage,
  LoggedRequestPage: pageOf(LoggedRequest, "A page of the request log, newest first."),
  RequestDetail,
  Error: Type.Object(
    {
      error: Type.Object({
        message: Type.String({ description: "A sentence for people." }),
        type: Type.String({ description: "Class of the error, as OpenAI names them." }),
        code: Type.String({ description: "A word for programs." }),
        param: Type.Union([Type.String(), Type.Null()], {
          description: "JSON pointer into the body, or the name of a query parameter or header.",
        }),
      }),
    },
    { description: "What went wrong. `x-request-id` names the request." },
  ),
} as const;

export type SchemaName = keyof typeof SCHEMAS;
export type Shape<N extends SchemaName> = Static<(typeof SCHEMAS)[N]>;
